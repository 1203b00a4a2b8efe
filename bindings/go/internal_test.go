package versioner

import (
	"errors"
	"strings"
	"testing"
)

func TestALibraryOfAnotherABIVersionIsAConfigError(t *testing.T) {
	err := checkABI(99, "9.9.9")
	var config *ConfigError
	if !errors.As(err, &config) || !strings.Contains(err.Error(), "99") || !strings.Contains(err.Error(), "9.9.9") {
		t.Errorf("%T: %v", err, err)
	}
}
