package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"kefu/internal/desk"
)

// variables turns NAME=value lines into a map; later lines win and empty
// values are left out, so that compose files may pass on what is unset.
func variables(environ []string) map[string]string {
	env := make(map[string]string, len(environ))
	for _, line := range environ {
		name, value, _ := strings.Cut(line, "=")
		delete(env, name)
		if value != "" {
			env[name] = value
		}
	}
	return env
}

// readEnv sets what the variables say and refuses KEFU_ variables that mean
// nothing. The variables that the file names are left to readKeys and fillIn.
func readEnv(env map[string]string, settings []setting, c *Config, origin map[string]string) error {
	var faults []error
	known := map[string]bool{"KEFU_CONFIG": true}
	for _, name := range c.variables() {
		known[name], known[name+"_FILE"] = true, true
	}
	for _, s := range settings {
		known[s.env] = true
		text, name := env[s.env], s.env
		if s.secret() {
			known[s.env+"_FILE"] = true
			var err error
			if text, name, err = secret(env, s); err != nil {
				faults = append(faults, err)
			}
		}
		if text == "" {
			continue
		}
		origin[s.key] = name
		if err := s.set(text); err != nil {
			faults = append(faults, at(err, name))
		}
	}
	return errors.Join(append(faults, unknownVariables(env, known)...)...)
}

// readKeys fetches the keys that named models have of their own.
func readKeys(env map[string]string, named []Model, origin map[string]string) error {
	for i := range named {
		if err := named[i].readKeys(env); err != nil {
			return located(err, origin)
		}
	}
	return nil
}

func (m *Model) readKeys(env map[string]string) (err error) {
	at := "models." + m.Name
	if len(m.Deployments) > 0 && (m.KeyEnv != "" || m.KeyFile != "") {
		return bad(at+".deployments", "the model has a key too; move it to a deployment")
	}
	if m.key, err = readKey(env, at, m.KeyEnv, m.KeyFile); err != nil {
		return err
	}
	for i := range m.Deployments {
		d := &m.Deployments[i]
		if d.key, err = readKey(env, fmt.Sprintf("%s.deployments[%d]", at, i), d.KeyEnv, d.KeyFile); err != nil {
			return err
		}
	}
	return nil
}

// readKey returns the key that a variable or a file holds; empty without both.
func readKey(env map[string]string, at, variable, file string) (Secret, error) {
	var text string
	var err error
	switch {
	case file != "" && variable != "":
		err = bad(at+".key_env", "both key_env and key_file are set; keep one")
	case file != "":
		text, err = secretFile(at+".key_file", "key_file", file)
	case variable != "":
		text, _, err = secret(env, setting{key: at + ".key_env", env: variable})
		if err == nil && text == "" {
			err = bad(at+".key_env", "%s is not set", variable)
		}
	}
	return Secret(text), err
}

// secret returns a secret's value and the variable that it came from.
func secret(env map[string]string, s setting) (text, name string, err error) {
	file := env[s.env+"_FILE"]
	switch {
	case file == "":
		return env[s.env], s.env, nil
	case env[s.env] != "":
		return "", "", bad(s.key, "both %s and %s_FILE are set; keep one", s.env, s.env)
	}
	text, err = secretFile(s.key, s.env+"_FILE", file)
	return text, s.env + "_FILE", err
}

// secretFile reads the value of key from the file that name gave.
func secretFile(key, name, file string) (string, error) {
	b, err := readSmall(file)
	if err != nil {
		return "", unreadable(key, name, file, err)
	}
	text := strings.TrimRight(string(b), "\r\n")
	if text == "" {
		return "", bad(key, "%s: %s is empty", name, file)
	}
	return text, nil
}

func unknownVariables(env map[string]string, known map[string]bool) (faults []error) {
	names := slices.Sorted(maps.Keys(known))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if strings.HasPrefix(name, "KEFU_") && !known[name] && !isServiceLink(name, env[name]) {
			faults = append(faults, unknownVariable(name, known, names))
		}
	}
	return faults
}

func unknownVariable(name string, known map[string]bool, names []string) error {
	help := "the README lists all variables"
	near, ok := nearest(name, names)
	if standard := strings.TrimPrefix(name, "KEFU_"); known[standard] { // KEFU_REDIS_URL
		near, ok = standard, true
	}
	if plain := strings.TrimSuffix(name, "_FILE"); known[plain] { // KEFU_ADDR_FILE
		near, ok = plain, true
	}
	if ok {
		help = fmt.Sprintf("did you mean %s?", near)
	}
	return &desk.Error{
		Kind: desk.Invalid, Code: "unknown_setting", Field: name,
		Public: fmt.Sprintf("unknown variable %s; %s", name, help),
	}
}

// isServiceLink tells of a variable that Kubernetes or an old container link sets
// for a service named kefu: it is not ours to refuse. KEFU_PORT is an address
// then; a number is somebody's wish.
func isServiceLink(name, value string) bool {
	return serviceLink.MatchString(name) && (name != "KEFU_PORT" || strings.Contains(value, "://"))
}

// serviceLink matches the names of such variables, also of kefu-something.
var serviceLink = regexp.MustCompile(`^KEFU(_[A-Z0-9]+)*?_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)
