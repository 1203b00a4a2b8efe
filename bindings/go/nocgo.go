//go:build !cgo

package versioner

// Without cgo nothing else of this package is compiled, so that this is the one message.
var _ = versioner_needs_cgo__set_CGO_ENABLED_1_and_install_gcc
