package versioner

// #include <stdlib.h>
// #include <stdint.h>
//
// static void set_flag(int32_t *flag) { __atomic_store_n(flag, 1, __ATOMIC_RELAXED); }
import "C"

import (
	"strings"
	"unsafe"
)

// arena is C memory that lives as long as one call.
type arena struct {
	pointers []unsafe.Pointer
	withNUL  string // the first text that would have ended early in C, by its name
}

func (a *arena) allocate(size C.size_t) unsafe.Pointer {
	pointer := C.calloc(1, size)
	a.pointers = append(a.pointers, pointer)
	return pointer
}

// text is a copy in C memory, NULL if empty.
func (a *arena) text(name, text string) *C.char {
	if text == "" {
		return nil
	}
	if a.withNUL == "" && strings.IndexByte(text, 0) >= 0 {
		a.withNUL = name
	}
	pointer := C.CString(text)
	a.pointers = append(a.pointers, unsafe.Pointer(pointer))
	return pointer
}

// flag is what ends a call that is in progress, or begins, once it is set.
func (a *arena) flag() *C.int32_t {
	return (*C.int32_t)(a.allocate(C.size_t(unsafe.Sizeof(C.int32_t(0)))))
}

func set(flag *C.int32_t) { C.set_flag(flag) }

// environment is an array of KEY=VALUE with NULL after the last; NULL if variables is nil.
func (a *arena) environment(variables map[string]string) **C.char {
	if variables == nil {
		return nil
	}
	array, entries := a.array(len(variables))
	index := 0
	for name, value := range variables {
		entries[index] = a.text("the variable "+name, name+"="+value)
		index++
	}
	return array
}

// texts is an array of texts with NULL after the last.
func (a *arena) texts(name string, texts []string) **C.char {
	array, entries := a.array(len(texts))
	for index, text := range texts {
		entries[index] = a.text(name, text)
	}
	return array
}

// array has room for so many pointers, and is NULL after the last.
func (a *arena) array(length int) (**C.char, []*C.char) {
	size := unsafe.Sizeof((*C.char)(nil))
	array := (**C.char)(a.allocate(C.size_t(size) * C.size_t(length+1)))
	return array, unsafe.Slice(array, length+1)
}

// check is the failure of a text that C could not be told.
func (a *arena) check(kind Kind) error {
	if a.withNUL == "" {
		return nil
	}
	return invalid(kind, a.withNUL, a.withNUL+" holds a NUL character")
}

func (a *arena) free() {
	for _, pointer := range a.pointers {
		C.free(pointer)
	}
}
