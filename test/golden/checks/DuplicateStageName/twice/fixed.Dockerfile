FROM scratch AS base
COPY a /
FROM scratch AS other
FROM scratch AS base
