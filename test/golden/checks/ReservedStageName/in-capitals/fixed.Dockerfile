FROM scratch AS scratch
