package httpapi

import (
	"net/netip"

	"github.com/gin-gonic/gin"
)

// forwarded makes the router believe what these proxies say of whom they speak
// for, and nobody else.
func forwarded(e *gin.Engine, proxies []netip.Prefix) {
	e.ForwardedByClientIP = len(proxies) > 0
	e.RemoteIPHeaders = []string{"X-Forwarded-For"}
	trusted := each(proxies, netip.Prefix.String)
	if err := e.SetTrustedProxies(trusted); err != nil {
		panic("httpapi: " + err.Error()) // it takes every prefix
	}
}

// address is who calls as far as limits are concerned: an IPv4 address, or the
// 64 bits of an IPv6 address that one customer of a provider gets.
func address(c *gin.Context) string {
	ip, err := netip.ParseAddr(c.ClientIP())
	if err != nil || ip.Unmap().Is4() {
		return c.ClientIP()
	}
	return netip.PrefixFrom(ip.WithZone(""), 64).Masked().String()
}
