FROM known
RUN a
