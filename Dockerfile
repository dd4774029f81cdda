# syntax=docker/dockerfile:1

# Kefu and its simulator are static binaries; the image adds certificates, time
# zones and the sample knowledge base to them.
FROM golang:1.26-alpine AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ENV CGO_ENABLED=0
RUN go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/ ./cmd/kefu ./cmd/llmsim
RUN mkdir /out/data

# The simulated provider: docker build --target llmsim
FROM gcr.io/distroless/static-debian12:nonroot AS llmsim
COPY --from=build /out/llmsim /usr/local/bin/llmsim
EXPOSE 8090
ENTRYPOINT ["/usr/local/bin/llmsim"]
CMD ["-addr", "0.0.0.0:8090"]

FROM gcr.io/distroless/static-debian12:nonroot
WORKDIR /app
COPY --from=build /out/kefu /usr/local/bin/kefu
COPY --from=build --chown=65532:65532 /out/data /data
COPY kb ./kb
# The address can be reached from other machines, so that KEFU_API_KEY or
# KEFU_API_KEY_FILE must be given.
ENV KEFU_ADDR=0.0.0.0:8000 KEFU_DATA_DIR=/data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["/usr/local/bin/kefu", "health"]
ENTRYPOINT ["/usr/local/bin/kefu"]
CMD ["serve"]
