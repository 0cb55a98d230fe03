// Package job has what bench/job/README.md fixes to the letter, for both programs.
package job

import (
	"net/netip"
	"strconv"
)

const (
	ManagedBy = "app.kubernetes.io/managed-by"
	Bench     = "bench"

	Ready       = "Ready"
	Reconciling = "Reconciling"
	Stalled     = "Stalled"

	InvalidCIDR     = "InvalidCIDR"
	NetworkNotFound = "NetworkNotFound"
	NetworkInvalid  = "NetworkInvalid"
)

// ValidCIDR says whether a Network can be rendered.
func ValidCIDR(cidr string) bool {
	_, err := netip.ParsePrefix(cidr)
	return err == nil
}

// Config is the spec.config of a child. Nothing in it can need escaping: the schema and ValidCIDR see to that.
func Config(name string, mtu int32, cidr string) string {
	return `{"cniVersion":"1.0.0","name":"` + name + `","type":"bridge","mtu":` + strconv.Itoa(int(mtu)) +
		`,"ipam":{"type":"static","subnet":"` + cidr + `"}}`
}
