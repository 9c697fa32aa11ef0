FROM known
RUN a && \
ENV X=1
