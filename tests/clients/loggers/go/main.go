// SPDX-License-Identifier: Apache-2.0
// Go's loggers as they are without a configuration.
package main

import (
	"errors"
	"log"
	"log/slog"
	"os"

	"github.com/rs/zerolog"
	"github.com/sirupsen/logrus"
	"go.uber.org/zap"
)

func main() {
	err := errors.New("bad")
	slog.New(slog.NewTextHandler(os.Stdout, nil)).Error("boom", "order", 7)
	slog.New(slog.NewJSONHandler(os.Stdout, nil)).Error("boom", "order", 7)
	log.New(os.Stdout, "", log.LstdFlags|log.Lshortfile).Print("ERROR boom")
	text, lines := logrus.New(), logrus.New()
	text.Out, lines.Out = os.Stdout, os.Stdout
	text.WithField("order", 7).WithError(err).Error("boom")
	lines.Formatter = &logrus.JSONFormatter{}
	lines.WithField("order", 7).Error("boom")
	for _, c := range []zap.Config{zap.NewProductionConfig(), zap.NewDevelopmentConfig()} {
		c.OutputPaths, c.DisableStacktrace = []string{"stdout"}, true
		z, _ := c.Build()
		z.Named("shop.cart").Error("boom", zap.Int("order", 7))
	}
	z := zerolog.New(os.Stdout).With().Timestamp().Logger()
	z.Error().Int("order", 7).Err(err).Msg("boom")
}
