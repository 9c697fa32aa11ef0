FROM scratch AS builder
COPY a /a
FROM scratch AS final
COPY --from=Builder /a /a
