module github.com/versioner-io/libversioner/scripts/dist/gomodule

go 1.19

require golang.org/x/mod v0.17.0
