package ingest

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Fingerprint changes when a file of a folder does: in name, size or time.
type Fingerprint [sha256.Size]byte

// FingerprintOf looks at every file that a load of the folder would read,
// without reading any.
func FingerprintOf(folder string) (Fingerprint, error) {
	full, err := filepath.Abs(folder)
	if err != nil {
		return Fingerprint{}, err
	}
	h := sha256.New()
	err = walk(folder, full, func(f file, err error) {
		var info fs.FileInfo
		if err == nil {
			info, err = os.Stat(f.full) // a link's target, since that is read
		}
		if err != nil {
			writeFields(h, f.name, err.Error())
			return
		}
		writeFields(h, f.name, fmt.Sprint(info.Size(), info.ModTime().UnixNano()))
	})
	return Fingerprint(h.Sum(nil)), err
}
