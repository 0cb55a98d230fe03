// g2 does the job of bench/job as somebody would who tries to win.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"

	"go.uber.org/zap/zapcore"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"knfe.io/bench/peers/go/internal/g2"
)

// The collector's settings, from the sweep in README.md; the environment wins.
const gcPercent = 100 // and no limit

func main() {
	var namespace string
	flag.StringVar(&namespace, "namespace", "", "The namespace to look at.")
	flag.Parse()
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctrl.SetLogger(zap.New(zap.Level(zapcore.ErrorLevel)))
	if err := run(namespace); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(namespace string) error {
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	config.UserAgent = "bench-g2"
	config.QPS = -1
	mgr, err := g2.NewManager(config, namespace)
	if err != nil {
		return err
	}
	if err := g2.Synced(mgr, func() { fmt.Println("synced") }); err != nil {
		return err
	}
	return mgr.Start(ctrl.SetupSignalHandler())
}
