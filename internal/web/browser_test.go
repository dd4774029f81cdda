package web_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"kefu/internal/e2e"
)

// patience is how long a page may take to show what it is waited for.
const patience = 2 * time.Minute

// browser is the Chromium of this test binary, started by TestMain.
type browser struct {
	ctx context.Context
	err error // why there is none
}

var chromium browser

func TestMain(m *testing.M) {
	var stop func()
	chromium, stop = startChromium()
	defer stop()
	e2e.Main(m)
}

func startChromium() (browser, func()) {
	program, err := findChromium()
	if err != nil {
		return browser{err: err}, func() {}
	}
	profile, err := os.MkdirTemp("", "kefu-chromium-")
	if err != nil {
		return browser{err: err}, func() {}
	}
	// Without site isolation a frame of another site is in the page's own process,
	// where the tests can look into it.
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-site-isolation-trials", true), chromedp.WSURLReadTimeout(time.Minute))
	allocator, stopAllocator := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stopBrowser := chromedp.NewContext(allocator)
	return browser{ctx, chromedp.Do(ctx)}, func() {
		stopBrowser()
		stopAllocator()
		for range 50 { // its processes write for a little longer
			if err = os.RemoveAll(profile); err == nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
		log.Print(err)
	}
}

func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if program, err := exec.LookPath(name); err == nil {
			return program, nil
		}
	}
	return "", errors.New("this test needs chromium on PATH: sudo apt-get install chromium (make test does it when run by root)")
}

// view is how a customer looks at the page.
type view struct {
	locale string // of the browser
	width  int64
	dark   bool
}

func (v view) narrow() bool { return v.width < 500 }

func (v view) String() string {
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	return fmt.Sprintf("%s-%d-%s", v.locale, v.width, scheme)
}

// tab is the page in a browser of its own cookies and storage.
type tab struct {
	*testing.T
	ctx context.Context
	v   view

	mu       sync.Mutex
	mistakes []string // exceptions, console errors, violations of the policy
}

// open shows the chat page at url.
func open(t *testing.T, v view, url string) *tab {
	t.Helper()
	return visit(t, v, url, "textarea")
}

// visit shows url once selector is visible. What the page does wrong fails the
// test at its end.
func visit(t *testing.T, v view, url, selector string) *tab {
	t.Helper()
	if chromium.err != nil {
		t.Fatal(chromium.err)
	}
	ctx, stop := chromedp.NewContext(chromium.ctx, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	p := &tab{T: t, ctx: ctx, v: v}
	if err := chromedp.Listen(ctx, p.listen); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, m := range p.mistakes {
			t.Errorf("the page: %s", m)
		}
	})
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	call(p, emulation.SetUserAgentOverride.Method, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: "Kefu test", AcceptLanguage: v.locale})
		return err
	})
	call(p, emulation.SetEmulatedMedia.Method, func(ctx context.Context) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		return err
	})
	size := chromedp.EmulateViewport(v.width, 800)
	if v.narrow() {
		size = chromedp.EmulateViewport(v.width, 740, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
	}
	p.do(size, chromedp.Navigate(url), chromedp.WaitVisible(chromedp.CSS(selector)))
	return p
}

func (p *tab) listen(event any) {
	var mistake string
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		mistake = "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			mistake += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			mistake = "console.error"
			for _, arg := range e.Args {
				mistake += " " + string(arg.Value) + arg.Description
			}
		}
	case *cdplog.EventEntryAdded:
		// The browser reports a refused request itself.
		refused := strings.HasSuffix(e.Entry.URL, "/query") || strings.HasSuffix(e.Entry.URL, "/ops/events") || strings.Contains(e.Entry.URL, "/v1/")
		if e.Entry.Level == cdplog.EntryLevelError && !refused {
			mistake = string(e.Entry.Source) + ": " + e.Entry.Text + " " + e.Entry.URL
		}
	}
	if mistake != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.mistakes = append(p.mistakes, mistake)
	}
}

// call runs one step and names it when it fails.
func call(p *tab, name string, step func(context.Context) error) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := step(ctx); err != nil {
		p.Fatalf("%s: %v", name, err)
	}
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	call(p, "step", func(ctx context.Context) error { return chromedp.Do(ctx, steps...) })
}

// js evaluates an expression, which must not be null.
func js[T any](p *tab, expression string) (value T) {
	p.Helper()
	call(p, expression, func(ctx context.Context) (err error) {
		value, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
		return err
	})
	return value
}

// await waits until an expression is true.
func (p *tab) await(expression string) {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, chromedp.Poll[chromedp.Void](expression)); err != nil {
		p.screenshot("failed")
		p.Fatalf("waiting for %s: %v\nthe page says: %s", expression, err, js[string](p, "document.body.innerText"))
	}
}

// shows waits until the last element of selector says text.
func (p *tab) shows(selector, text string) {
	p.Helper()
	p.await(fmt.Sprintf("[...document.querySelectorAll(%s)].at(-1)?.textContent.includes(%s)", quoted(selector), quoted(text)))
}

// lacks waits until nothing visible matches selector.
func (p *tab) lacks(selector string) {
	p.Helper()
	p.await(fmt.Sprintf("[...document.querySelectorAll(%s)].every((e) => e.offsetParent === null)", quoted(selector)))
}

// press clicks, or taps on a narrow view, the last element of selector.
func (p *tab) press(selector string) {
	p.Helper()
	p.await(fmt.Sprintf("[...document.querySelectorAll(%s)].at(-1)?.checkVisibility()", quoted(selector)))
	at := p.middle(selector)
	if p.v.narrow() {
		p.do(chromedp.TapXY(at[0], at[1]))
	} else {
		p.do(chromedp.MouseClickXY(at[0], at[1]))
	}
}

func (p *tab) middle(selector string) [2]float64 {
	p.Helper()
	return js[[2]float64](p, fmt.Sprintf(`(() => {
		const e = [...document.querySelectorAll(%s)].at(-1);
		e.scrollIntoView({block: 'center'});
		const r = e.getBoundingClientRect();
		return [r.x + r.width / 2, r.y + r.height / 2];
	})()`, quoted(selector)))
}

func (p *tab) write(text string) {
	p.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS("textarea"), text))
}

func (p *tab) key(keys string, modifiers ...chromedp.KeyOption) {
	p.Helper()
	p.do(chromedp.KeyEvent(keys, modifiers...))
}

func (p *tab) ask(question string) {
	p.Helper()
	p.write(question)
	p.enter(chromedp.ModifierNone)
}

// enter is the whole key at once, as a keyboard sends it: the page's wish that
// no line break follows is then heard.
func (p *tab) enter(m chromedp.Modifier) {
	p.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		key := input.DispatchKeyEventParams{Type: kind, Modifiers: int64(m), Key: "Enter", Code: "Enter", WindowsVirtualKeyCode: 13}
		if kind == input.DispatchKeyEventTypeKeyDown {
			key.Text = "\r"
		}
		call(p, "enter", func(ctx context.Context) error {
			_, err := chromedp.Call(ctx, input.DispatchKeyEvent, key)
			return err
		})
	}
}

// screenshot is kept where KEFU_SCREENSHOTS names a folder.
func (p *tab) screenshot(name string) {
	p.Helper()
	dir := os.Getenv("KEFU_SCREENSHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, p.v.String()+"-"+name+".png"), png, 0o600)
	}
	if err != nil {
		p.Logf("screenshot: %v", err)
	}
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return string(b)
}
