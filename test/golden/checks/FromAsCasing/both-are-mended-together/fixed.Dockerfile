FROM scratch AS a
COPY a /
FROM scratch AS b
COPY a /
