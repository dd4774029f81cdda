// Package handoff sends customers to people: it words the offer, and tells the
// people behind the desk, by a signed webhook, that somebody was sent to them.
package handoff

import (
	"strings"

	"kefu/internal/desk"
)

// Channels are the ways in which a customer reaches a person. Each may be
// empty.
type Channels struct {
	URL   string // page
	Email string
	Phone string
}

// Contact offers the channels in the customer's language. Without any it
// points to where the company publishes them.
func Contact(c Channels, l desk.Lang) desk.Contact {
	return desk.Contact{URL: c.URL, Email: c.Email, Phone: c.Phone, Message: offer(c, l)}
}

func offer(c Channels, l desk.Lang) string {
	if l == desk.Chinese {
		ways := ways(c, "访问 ", "发邮件至 ", "拨打 ")
		if len(ways) == 0 {
			return "如需人工帮助，请通过我们网站上公布的联系方式联系客服。"
		}
		return "如需人工帮助，您可以" + strings.Join(ways, "，或") + "。"
	}
	ways := ways(c, "visit ", "write to ", "call ")
	switch n := len(ways); n {
	case 0:
		return "If you would like to talk to a person, please use the contact details on our website."
	case 1:
		return "If you would like to talk to a person, " + ways[0] + "."
	default:
		return "If you would like to talk to a person, " + strings.Join(ways[:n-1], ", ") + " or " + ways[n-1] + "."
	}
}

// ways names each channel that there is after the words for it.
func ways(c Channels, visit, write, call string) []string {
	var ways []string
	for _, way := range []struct{ words, channel string }{{visit, c.URL}, {write, c.Email}, {call, c.Phone}} {
		if way.channel != "" {
			ways = append(ways, way.words+way.channel)
		}
	}
	return ways
}
