FROM scratch
ENV DEPS=curl
LABEL title="a page"
ENV  A="b  c"
