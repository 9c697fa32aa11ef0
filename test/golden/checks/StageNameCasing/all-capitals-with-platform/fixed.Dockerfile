FROM --platform=$BUILDPLATFORM scratch AS build
