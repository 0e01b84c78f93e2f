use super::*;

#[test]
fn options_are_printed_as_people_and_nixfmt_write_them() {
    let service = Table::new()
        .with("hosts", vec!["www.example.net"])
        .with("paths", vec!["/", "/a"])
        .with("tls", Table::new().with("acme", Table::new().with("challenge", "dns-01")))
        .with("empty", Table::new())
        .with("backends", vec![Tree::from(Table::new().with("name", "a").with("backup", true))]);
    let table =
        Table::new().with("services", Table::new().with("www", service).with("api.v2", Table::new().with("x", 1)));
    let expected = r#"{
  polder.fleet = {
    services = {
      www = {
        hosts = [ "www.example.net" ];
        paths = [
          "/"
          "/a"
        ];
        tls.acme.challenge = "dns-01";
        empty = { };
        backends = [
          {
            name = "a";
            backup = true;
          }
        ];
      };
      "api.v2".x = 1;
    };
  };
}
"#;
    assert_eq!(print(&[("polder.fleet", table)]), expected);
}

#[test]
fn nothing_in_a_text_is_read_by_nix() {
    let table = Table::new().with("a", "${builtins.abort \"x\"} \\ ''\n\t").with("with", 2);
    assert_eq!(
        print(&[("x", table)]),
        "{\n  x = {\n    a = \"\\${builtins.abort \\\"x\\\"} \\\\ ''\\n\\t\";\n    \"with\" = 2;\n  };\n}\n"
    );
}
