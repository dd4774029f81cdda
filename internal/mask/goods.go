package mask

// goods tells that the check digit of a parcel or of a product fits the
// number: FedEx Express (twelve digits, modulus 11) or GTIN-13, the number
// under bar codes (GS1 General Specifications, 7.9), of which those that begin
// with 2 are printed and read within one shop alone (2.1.11).
func goods(d string) bool {
	switch len(d) {
	case 12:
		return weighted(d, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1)%11%10 == int(d[11]-'0')
	case 13:
		return d[0] != '2' && weighted(d, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1)%10 == 0
	}
	return false
}
