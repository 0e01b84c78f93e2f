# The page docs/options.md, from the options.json of nixosOptionsDoc. Called by options-doc.nix.

# Prose and code come as {_type, text}, plain descriptions as strings.
def text: (.text? // .) | sub("^\\s+"; "") | sub("\\s+$"; "");

def value(name):
  if . == null then empty
  elif ._type == "literalMD" then "\(name): \(text)"
  elif text | contains("\n") then "\(name):\n\n```nix\n\(text)\n```"
  else "\(name): `\(text)`"
  end;

def section:
  .key as $name
  | .value
  | "## `\($name)`",
    (.description | text),
    "type: \(.type)\(if .readOnly then " (read only)" else "" end)",
    (.default | value("default")),
    (.example | value("example"));

[
  "# Options",
  ("Every option of the modules, generated from them by `nix build .#options-doc`; a check compares.\n"
    + "Keys in snake_case go into the daemons' documents under the same name: [documents.md](documents.md) has their ranges."),
  (to_entries | sort_by(.key)[] | section)
] | join("\n\n")
