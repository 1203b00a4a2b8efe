module github.com/versioner-io/versioner-go

go 1.19
