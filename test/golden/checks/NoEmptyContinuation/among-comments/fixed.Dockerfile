FROM known
RUN a \
  # a comment is allowed
  && b
