module github.com/versioner-io/libversioner/bindings/go

go 1.19
