package versioner

// #include <stdlib.h>
// #include <stdint.h>
import "C"

import (
	"strings"
	"unsafe"
)

// arena is C memory that lives as long as one call.
type arena struct {
	pointers []unsafe.Pointer
	hasNUL   bool // a text would have ended early in C
}

func (a *arena) allocate(size C.size_t) unsafe.Pointer {
	pointer := C.calloc(1, size)
	a.pointers = append(a.pointers, pointer)
	return pointer
}

// text is a copy in C memory, NULL where empty.
func (a *arena) text(text string) *C.char {
	if text == "" {
		return nil
	}
	a.hasNUL = a.hasNUL || strings.ContainsRune(text, 0)
	pointer := C.CString(text)
	a.pointers = append(a.pointers, unsafe.Pointer(pointer))
	return pointer
}

func (a *arena) flag() *C.int32_t {
	return (*C.int32_t)(a.allocate(C.size_t(unsafe.Sizeof(C.int32_t(0)))))
}

// environment is an array of KEY=VALUE with NULL after the last; NULL where variables is nil.
func (a *arena) environment(variables map[string]string) **C.char {
	if variables == nil {
		return nil
	}
	size := unsafe.Sizeof((*C.char)(nil))
	array := a.allocate(C.size_t(size) * C.size_t(len(variables)+1))
	entries := unsafe.Slice((**C.char)(array), len(variables)+1)
	index := 0
	for name, value := range variables {
		entries[index] = a.text(name + "=" + value)
		index++
	}
	return (**C.char)(array)
}

func (a *arena) free() {
	for _, pointer := range a.pointers {
		C.free(pointer)
	}
}
