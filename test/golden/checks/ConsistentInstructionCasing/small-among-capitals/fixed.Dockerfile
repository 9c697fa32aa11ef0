FROM known
RUN a
COPY b /c
ENV X=1
