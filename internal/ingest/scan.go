package ingest

import (
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"kefu/internal/desk"
)

// file is one file to load. It is opened below root, so that no symbolic link
// leads out of the folder the operator named.
type file struct {
	shown string // as the operator would write it, for reports
	full  string // absolute; its identity, so links in it stay as they were written
	path  string // slash-separated, relative to the request's root, or absolute
	dir   string // the folder that may not be left
	name  string // slash-separated, below dir

	// Of an upload or a page, which no folder holds.
	id      desk.DocumentID
	data    []byte        // of an upload
	address *url.URL      // of a page
	served  desk.Document // that page as it is served; the zero Document: not, or it is wanted whole
	lists   bool          // a sitemap that could not be read: what it lists is not known
}

// scan lists the files of a request: paths in the given order, folders in
// lexical order, each file once; and apart those that cannot be.
func scan(req Request) (files []file, failed []candidate, err error) {
	root, err := filepath.Abs(req.Root)
	if err != nil {
		return nil, nil, err
	}
	seen := map[string]bool{}
	for _, p := range req.Paths {
		full, err := filepath.Abs(p)
		if err != nil {
			return nil, nil, err
		}
		err = walk(p, full, func(f file, err error) {
			f.path = relative(root, f.full)
			switch {
			case err != nil:
				failed = append(failed, candidate{file: f, err: err})
			case !seen[f.full]:
				seen[f.full] = true
				files = append(files, f)
			}
		})
		if err != nil {
			failed = append(failed, candidate{file: file{shown: p, full: full, path: relative(root, full)}, err: err})
		}
	}
	return files, failed, nil
}

// walk calls visit for the file at p, which is full, or for each file below the folder at p.
func walk(p, full string, visit func(file, error)) error {
	info, err := os.Stat(full)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		// The file itself was named: a link to it was meant to be followed.
		target, err := filepath.EvalSymlinks(full)
		if err != nil {
			return err
		}
		visit(file{shown: p, full: full, dir: filepath.Dir(target), name: filepath.Base(target)}, nil)
		return nil
	}
	dir, err := os.OpenRoot(full)
	if err != nil {
		return err
	}
	defer dir.Close()
	return fs.WalkDir(dir.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		below := filepath.FromSlash(name)
		f := file{shown: filepath.Join(p, below), full: filepath.Join(full, below), dir: full, name: name}
		switch {
		case err != nil:
			visit(f, err)
			return nil
		case name != "." && unseen(path.Base(name)):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		case entry.Type()&fs.ModeSymlink != 0:
			return visitLink(dir, f, visit)
		}
		visit(f, nil)
		return nil
	})
}

// unseen tells of files and folders that are hidden, and of those in which Word
// says who has a document open.
func unseen(name string) bool { return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~$") }

// visitLink visits a link to a file inside the folder. A link to a folder
// inside adds nothing, since that folder is walked as well.
func visitLink(dir *os.Root, f file, visit func(file, error)) error {
	info, err := dir.Stat(f.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		visit(f, reject(CodeNotFound, 0, "the symbolic link leads nowhere"))
	case err != nil:
		visit(f, reject(CodeOutside, 0, "the symbolic link leads out of the folder"))
	case !info.IsDir():
		visit(f, nil)
	}
	return nil
}

// read returns the content of f, refusing what is no regular file or larger
// than most bytes.
func (f file) read(most int64) ([]byte, error) {
	if f.data != nil {
		if int64(len(f.data)) > most {
			return nil, tooLarge(most)
		}
		return f.data, nil
	}
	dir, err := os.OpenRoot(f.dir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	info, err := dir.Stat(f.name) // before opening: opening a pipe would wait for its writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, reject(CodeNotAFile, 0, "not a regular file")
	}
	if info.Size() > most {
		return nil, tooLarge(most)
	}
	in, err := dir.Open(f.name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	data, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, tooLarge(most)
	}
	return data, nil
}

func tooLarge(most int64) error {
	return reject(CodeTooLarge, 0, "larger than %d MB", most>>20)
}

// relative is full as seen from root, or full itself when it lies outside.
func relative(root, full string) string {
	rel, err := filepath.Rel(root, full)
	if err != nil || !filepath.IsLocal(rel) {
		return filepath.ToSlash(full)
	}
	return filepath.ToSlash(rel)
}

// asFileError gives err the path and, where it has none, a code.
func asFileError(path string, err error) *FileError {
	var known *FileError
	switch {
	case errors.As(err, &known):
		known = &FileError{Code: known.Code, Line: known.Line, Reason: known.Reason}
	case errors.Is(err, fs.ErrNotExist):
		known = reject(CodeNotFound, 0, "no such file or folder")
	case errors.Is(err, fs.ErrPermission):
		known = reject(CodeUnreadable, 0, "permission denied")
	default:
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			err = pathErr.Err // the path is named already
		}
		known = reject(CodeUnreadable, 0, "cannot be read: %v", err)
	}
	known.Path = path
	return known
}
