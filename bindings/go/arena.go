package versioner

// #include <stdlib.h>
// #include <stdint.h>
import "C"

import (
	"strings"
	"unsafe"
)

// arena is C memory that lives as long as one call.
type arena []unsafe.Pointer

func (a *arena) allocate(size C.size_t) unsafe.Pointer {
	pointer := C.calloc(1, size)
	*a = append(*a, pointer)
	return pointer
}

// text is a copy in C memory, NULL where empty. A NUL, which would end it there, is left out.
func (a *arena) text(text string) *C.char {
	if text == "" {
		return nil
	}
	pointer := C.CString(strings.ReplaceAll(text, "\x00", ""))
	*a = append(*a, unsafe.Pointer(pointer))
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
	for _, pointer := range *a {
		C.free(pointer)
	}
}
