FROM scratch
ENV DEPS \
    curl \
    git
ENV MORE="curl \
    git"
