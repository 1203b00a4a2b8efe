// Bench sends events to a server that answers at once, and prints the median in microseconds.
//
//	bench URL COUNT
package main

import (
	"context"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	versioner "github.com/versioner-io/versioner-go"
)

func main() {
	count, err := strconv.Atoi(os.Args[2])
	exitOn(err)
	client, err := versioner.New(
		versioner.WithAPIKey("sk_test_k1_secretsecret"),
		versioner.WithAPIURL(os.Args[1]),
		versioner.WithEnvironment(map[string]string{}),
	)
	exitOn(err)
	build := versioner.Build{
		Product: "api", Version: "1.2.3", SourceSystem: "github", SCMBranch: "main",
		SCMSHA:        "4f1c2d3e5a6b7c8d9e0f4f1c2d3e5a6b",
		ExtraMetadata: `{"fill":"` + strings.Repeat("0123456789", 70) + `"}`,
	}
	times := make([]float64, 0, count)
	for index := -count / 10; index < count; index++ {
		start := time.Now()
		_, err := client.TrackBuild(context.Background(), build)
		exitOn(err)
		if index >= 0 {
			times = append(times, float64(time.Since(start).Nanoseconds())/1e3)
		}
	}
	sort.Float64s(times)
	fmt.Printf("%.2f\n", times[count/2])
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
