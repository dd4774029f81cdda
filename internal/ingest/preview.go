package ingest

import (
	"context"
	"path/filepath"

	"kefu/internal/desk"
)

// Preview reads one file and cuts it as a load would, and publishes nothing.
// The error is a *FileError, or that of ctx.
func (l *Loader) Preview(ctx context.Context, path string) (desk.Prepared, error) {
	files, failed, err := scan(Request{Paths: []string{path}, Root: filepath.Dir(path)})
	switch {
	case err != nil:
		return desk.Prepared{}, err
	case len(failed) > 0:
		return desk.Prepared{}, asFileError(path, failed[0].err)
	case len(files) != 1 || filepath.Base(files[0].full) != filepath.Base(path):
		return desk.Prepared{}, asFileError(path, reject(CodeNotAFile, 0, "not a file"))
	}
	doc, err := l.prepare(ctx, desk.DefaultTenant, DefaultSource, files[0])
	if err != nil && ctx.Err() != nil {
		return desk.Prepared{}, ctx.Err()
	}
	if err != nil {
		return desk.Prepared{}, asFileError(path, err)
	}
	return doc, nil
}
