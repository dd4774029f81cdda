package ingest

import (
	"strings"
	"unicode/utf8"
)

const (
	// maxLabel bounds the name of a column that is said again in each row, in
	// bytes. What is longer is no name.
	maxLabel = 200
	// maxLabelled bounds how much a table may grow by its names, in bytes.
	maxLabelled = 8 << 20
)

// tableText is a table as it is searched and quoted: a line for each row, with
// each cell named by its column, as in "Plan: Plus | Price: $9.99". A row so
// makes sense without its header.
func tableText(columns []string, rows [][]string) string {
	if len(rows) == 0 {
		return joinNonEmpty(" | ", columns...)
	}
	names, room := make([]string, len(columns)), maxLabelled
	for i, column := range columns {
		if column = oneLine(column); column != "" && len(column) <= maxLabel {
			names[i] = withColon(column)
		}
	}
	var lines []string
	for _, row := range rows {
		var cells []string
		for i, cell := range row {
			if cell = oneLine(cell); cell != "" && i < len(names) && room > 0 {
				room -= len(names[i])
				cell = names[i] + cell
			}
			cells = append(cells, cell)
		}
		lines = append(lines, joinNonEmpty(" | ", cells...))
	}
	return joinNonEmpty("\n", lines...)
}

// withColon ends a column's name with a colon as its script writes it.
func withColon(name string) string {
	name = strings.TrimRight(name, ":： ")
	if last, _ := utf8.DecodeLastRuneInString(name); isWide(last) {
		return name + "："
	}
	return name + ": "
}
