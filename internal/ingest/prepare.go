package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"

	"kefu/internal/desk"
	"kefu/internal/lang"
)

// prepare reads f and makes a document of it, without vectors.
func (l *Loader) prepare(ctx context.Context, tenant desk.TenantID, source string, f file) (desk.Prepared, error) {
	begun := time.Now()
	data, name, marks, err := l.read(ctx, f)
	l.took(stageRead, begun)
	if errors.Is(err, errUnchanged) {
		return desk.Prepared{Document: f.served}, nil
	}
	if err != nil {
		return desk.Prepared{}, err
	}
	begun = time.Now()
	doc, err := l.digest(ctx, original{
		Tenant: tenant, Source: source, Path: f.path, Full: f.full, Name: name, ID: f.id, Page: f.address != nil, Data: data,
	})
	l.took(stageExtract, begun)
	doc.Document.Validators = l.validators(marks)
	return doc, err
}

// read returns the content of f, the name that tells its format, and of a page
// by what it is recognised. The error is errUnchanged where that is as served.
func (l *Loader) read(ctx context.Context, f file) (data []byte, name string, m marks, err error) {
	if f.address != nil {
		return l.web.fetch(ctx, f.address, l.cfg.MaxFileBytes, l.marksOf(f.served))
	}
	data, err = f.read(l.cfg.MaxFileBytes)
	return data, f.name, marks{}, err
}

// documentID is the same for the same key (a path, or the id that a file
// declares) under the same source of the same tenant.
func documentID(tenant desk.TenantID, source, key string) desk.DocumentID {
	h := sha256.New()
	writeFields(h, string(tenant), source, key)
	return desk.DocumentID("doc_" + hex.EncodeToString(h.Sum(nil)[:10]))
}

// contentHash changes whenever what is published of the document would.
func (l *Loader) contentHash(doc desk.Document, x extract) string {
	h := sha256.New()
	c := l.chunker
	writeFields(h, "chunker", chunkerVersion, fmt.Sprint(c.target, c.most, c.overlap))
	writeFields(h, doc.Path, doc.Title, doc.URL, string(doc.Lang), string(doc.Kind))
	writeFields(h, x.texts()...)
	for _, p := range x.pairs {
		writeFields(h, p.url)
	}
	if doc.TranslationKey != "" {
		writeFields(h, "translation_key", doc.TranslationKey)
	}
	if doc.LocalOnly {
		writeFields(h, "local_only")
	}
	if doc.Flag != "" { // a guard that has learned of it makes it another
		writeFields(h, "flag", doc.Flag)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// flag flags the chunks that the guard suspects, and returns the first flag.
func (l *Loader) flag(chunks []desk.Chunk) (first string) {
	if l.cfg.Guard == nil {
		return ""
	}
	for i := range chunks {
		if v := l.cfg.Guard.Document(string(embedText(chunks[i]))); v.Action != desk.Allow {
			chunks[i].Flag = v.Rule
			first = or(first, v.Rule)
		}
	}
	return first
}

// writeFields writes fields so that no two lists of them read the same.
func writeFields(h hash.Hash, fields ...string) {
	fmt.Fprintf(h, "%d\n", len(fields))
	for _, f := range fields {
		fmt.Fprintf(h, "%d:", len(f))
		io.WriteString(h, f)
	}
}

// chunks cuts the extracted text. A pair is one chunk, whole, because it is
// given as an answer; an answer beyond the bound is a passage under its
// question instead.
func (l *Loader) chunks(doc desk.Document, x extract) []desk.Chunk {
	b := chunkBuilder{doc: doc, declared: x.meta.lang}
	var above []string // a file's name says nothing about one of its pairs
	if x.meta.named {
		above = []string{doc.Title}
	}
	for _, s := range x.sections {
		b.addSection(l.chunker, s, "")
	}
	for _, p := range x.pairs {
		tokens := l.chunker.count(p.answer)
		if tokens > l.chunker.most {
			b.addSection(l.chunker, section{heading: append(slices.Clip(p.heading), p.question), text: p.answer}, p.url)
			continue
		}
		language := or(p.lang, b.language(p.question+"\n"+p.answer))
		b.add(desk.Chunk{
			Heading: headingPath(above, p.heading), Question: p.question, URL: p.url, Text: p.answer, Lang: language, Tokens: tokens,
		})
	}
	return b.chunks
}

// chunkBuilder numbers the chunks of one document.
type chunkBuilder struct {
	doc      desk.Document
	declared desk.Lang // empty: each chunk as it reads
	chunks   []desk.Chunk
}

func (b *chunkBuilder) addSection(c chunker, s section, url string) {
	for _, part := range c.split(s.text) {
		text := s.text[part.start:part.end]
		b.add(desk.Chunk{
			Heading: headingPath([]string{b.doc.Title}, s.heading), URL: url, Text: text, Lang: b.language(text), Tokens: c.count(text),
		})
	}
}

func (b *chunkBuilder) add(c desk.Chunk) {
	c.Document, c.Ordinal, c.LocalOnly = b.doc.ID, len(b.chunks), b.doc.LocalOnly
	c.ID = desk.ChunkID(fmt.Sprintf("%s.%d", b.doc.ID, c.Ordinal))
	b.chunks = append(b.chunks, c)
}

// headingPath joins headings below above, which is the document's title: so a chunk
// says where it belongs even when it is read, or embedded, alone.
func headingPath(above, headings []string) string {
	if len(above) > 0 && len(headings) > 0 && headings[0] == above[0] {
		above = nil
	}
	return strings.Join(slices.Concat(above, headings), desk.HeadingSeparator)
}

func (b *chunkBuilder) language(text string) desk.Lang {
	if b.declared != "" {
		return b.declared
	}
	return lang.Of(text)
}

// embedText is what stands for a chunk in the vector space. It holds nothing
// but the chunk, so that embedding it again later gives the same vector.
//
// Documents are the operator's own words, published for customers to read: no
// personal data of a customer can be in them, so they are Masked as they are.
func embedText(c desk.Chunk) desk.Masked {
	return desk.Masked(joinNonEmpty("\n", c.Heading, c.Question, c.Text))
}
