FROM scratch
EXPOSE 80 80/tcp 53/udp
