package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"kefu/internal/desk"
	"kefu/internal/tool"
)

// keyName is where a write's idempotency key stands in the metadata of its
// call.
const keyName = "idempotencyKey"

// remote is one tool of a server. It implements tool.Tool.
type remote struct {
	server *Server
	name   string // at the server
	spec   tool.Spec
}

func (r *remote) Spec() tool.Spec { return r.spec }

// Run calls the tool. When the connection turns out to be lost, reads are
// tried once more over a new one.
func (r *remote) Run(ctx context.Context, in tool.Input) (tool.Result, error) {
	result, lost, err := r.call(ctx, in)
	if lost && r.spec.Effect == tool.Read {
		result, _, err = r.call(ctx, in)
	}
	if err != nil {
		return tool.Result{}, failed(err)
	}
	return read(result)
}

// call makes one call and reports whether the connection was lost before an
// answer came.
func (r *remote) call(ctx context.Context, in tool.Input) (result *sdk.CallToolResult, lost bool, err error) {
	session, err := r.server.connected(ctx)
	if err != nil {
		return nil, false, err
	}
	params := &sdk.CallToolParams{Name: r.name, Arguments: in.Arguments}
	if in.Key != "" {
		params.Meta = sdk.Meta{keyName: in.Key}
	}
	result, err = session.CallTool(ctx, params)
	lost = errors.Is(err, sdk.ErrConnectionClosed) || errors.Is(err, sdk.ErrSessionMissing)
	if lost {
		r.server.lost(session)
	}
	return result, lost, err
}

// lost forgets a session that is of no use any more.
func (s *Server) lost(session *sdk.ClientSession) {
	s.lock <- struct{}{}
	s.drop(session)
	<-s.lock
}

// read puts the parts of a result into one text.
func read(result *sdk.CallToolResult) (tool.Result, error) {
	if result.NeedsInput() {
		return tool.Result{}, &desk.Error{Kind: desk.Unavailable, Code: tool.CodeUnusable, Public: "the tool asks for something that it cannot be given"}
	}
	var parts []string
	for _, c := range result.Content {
		if text, ok := c.(*sdk.TextContent); ok {
			parts = append(parts, text.Text)
		}
	}
	if len(parts) == 0 && result.StructuredContent != nil {
		encoded, err := json.Marshal(result.StructuredContent)
		if err != nil {
			return tool.Result{}, &desk.Error{Kind: desk.Unavailable, Code: tool.CodeUnusable, Public: "the result is no text", Err: err}
		}
		parts = append(parts, string(encoded))
	}
	if len(parts) == 0 && len(result.Content) > 0 {
		return tool.Result{}, &desk.Error{Kind: desk.Unavailable, Code: tool.CodeUnusable, Public: "the result is no text", Err: fmt.Errorf("content %T", result.Content[0])}
	}
	if len(parts) == 0 {
		parts = []string{"done"}
	}
	return tool.Result{Text: strings.Join(parts, "\n"), Failed: result.IsError}, nil
}

// failed keeps what the client says about a refusal or a limit.
func failed(err error) error {
	var known *desk.Error
	if errors.As(err, &known) {
		return known
	}
	return &desk.Error{Kind: desk.Unavailable, Code: tool.CodeUnavailable, Public: "the tool cannot be reached", Err: err}
}
