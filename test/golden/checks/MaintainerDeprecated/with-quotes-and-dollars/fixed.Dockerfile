FROM scratch
LABEL org.opencontainers.image.authors="Jane \"J\" Doe,   costs 5\$ a\\b"
