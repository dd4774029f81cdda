package main

import (
	"context"

	"kefu/internal/desk"
	"kefu/internal/mask"
	"kefu/internal/store"
	"kefu/internal/telemetry"
)

// ratings keeps what users say of answers, personal data masked.
type ratings struct {
	answers   *store.Answers
	masker    *mask.Masker
	telemetry *telemetry.Telemetry
}

func (r ratings) Rate(ctx context.Context, scope desk.Scope, f desk.Feedback, comment string) error {
	f.Comment, _ = r.masker.Mask(comment)
	if err := r.answers.Rate(ctx, scope, f); err != nil {
		return err
	}
	r.telemetry.Rated(f.Rating, f.Reason)
	return nil
}
