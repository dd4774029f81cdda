package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"kefu/internal/config"
)

func (c *cli) configCommand() *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use: "config", Short: "List every setting with its variable, default and meaning", Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			settings := config.Reference()
			if markdown {
				configMarkdown(c.stdout, settings)
				return nil
			}
			return c.print(settings, func(w io.Writer) {
				for _, s := range settings {
					fmt.Fprintf(w, "%s\n    %s", s.Key, cmp.Or(s.Env, "only in kefu.yaml"))
					if s.Secret {
						fmt.Fprintf(w, " or %s_FILE", s.Env)
					}
					if s.Default != "" {
						fmt.Fprintf(w, ", default %s", s.Default)
					}
					if s.Allowed != "" {
						fmt.Fprintf(w, ", allowed %s", s.Allowed)
					}
					fmt.Fprintf(w, "\n    %s\n", s.Help)
				}
			})
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print the table of the README")
	cmd.AddCommand(&cobra.Command{
		Use: "check", Short: "Check the configuration and print it without secrets", Args: args(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			cfg, err := c.config()
			if err != nil {
				return err
			}
			if _, _, err := httpTools(cfg); err != nil {
				return err
			}
			if _, err := newRouter(cfg); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.stdout, cfg.Redacted())
			return err
		},
	})
	return cmd
}

// configMarkdown writes the settings as the table that stands in README.md.
func configMarkdown(w io.Writer, settings []config.Setting) {
	fmt.Fprintln(w, "| kefu.yaml | variable | default | meaning |")
	fmt.Fprintln(w, "| --- | --- | --- | --- |")
	for _, s := range settings {
		env := ""
		if s.Env != "" {
			env = "`" + s.Env + "`"
		}
		if s.Secret {
			env += ", `" + s.Env + "_FILE`"
		}
		value := ""
		if s.Default != "" {
			value = "`" + s.Default + "`"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", s.Key, env, value, strings.ReplaceAll(s.Help, "|", `\|`))
	}
}
