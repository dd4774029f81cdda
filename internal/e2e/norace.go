//go:build !race

package e2e

const raced = false

// Slowdown is about how many times slower the program runs than as built for
// its users.
const Slowdown = 1
