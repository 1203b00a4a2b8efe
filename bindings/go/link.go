//go:build !versioner_static

package versioner

// #cgo pkg-config: versioner
import "C"
