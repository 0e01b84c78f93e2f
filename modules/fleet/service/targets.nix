# What answers a service without a backend, and the pages that its visitors see instead of the proxy's errors.
{ lib, fleetTypes }:

let
  inherit (lib) mkOption types;
  inherit (fleetTypes) daemonDefault duration part;

  pages =
    lib.genAttrs
      [
        "403"
        "404"
        "413"
        "429"
        "500"
        "502"
        "503"
        "504"
      ]
      (
        status:
        daemonDefault {
          type = types.path;
          example = lib.literalExpression "./pages/${status}.html";
          description = "The page in place of the proxy's own answers ${status}. A backend's are passed on as they are.";
        }
      );
in
{
  redirect =
    part
      {
        status = daemonDefault {
          type = types.enum [
            301
            302
            303
            307
            308
          ];
          example = 308;
          description = "301 and 308 are kept by browsers; 307 and 308 keep the method.";
        };
        scheme = daemonDefault {
          type = types.enum [
            "http"
            "https"
          ];
          description = "The scheme there. Without it, the one that the visitor came by.";
        };
        host = daemonDefault {
          type = types.str;
          example = "www.example.net";
          description = "The host there, with or without a port. Without it, the one that was asked for.";
        };
        path = daemonDefault {
          type = types.str;
          example = "/new";
          description = "The path there, maybe with a query. Without it, the one that was asked for.";
        };
        replace_prefix = daemonDefault {
          type = types.str;
          example = "/shop";
          description = "Instead of `path`: replaces the path of the service, and keeps what follows.";
        };
        keep_query = daemonDefault {
          type = types.bool;
          description = "Whether the query that was asked for goes along.";
        };
      }
      {
        example.host = "www.example.net";
        description = "Instead of `backends`: visitors are sent elsewhere ([documents.md](documents.md#servicesnameredirect)).";
      };
  answer =
    part
      {
        status = daemonDefault {
          type = types.ints.between 200 599;
          description = "The status.";
        };
        headers = daemonDefault {
          type = types.attrsOf types.str;
          example.Cache-Control = "max-age=3600";
          description = "Fields of the response.";
        };
        body = daemonDefault {
          type = types.str;
          example = "User-agent: *\nDisallow: /\n";
          description = "The content as text.";
        };
        file = daemonDefault {
          type = types.path;
          example = lib.literalExpression "./maintenance.html";
          description = "The content in a file, instead of `body`: one of the fleet, or one on every proxy, as a string.";
        };
      }
      {
        example.body = "User-agent: *\nDisallow: /\n";
        description = "Instead of `backends`: the same answer to every request ([documents.md](documents.md#servicesnameanswer)).";
      };
  files =
    part
      {
        folder = mkOption {
          type = types.path;
          example = lib.literalExpression "./www";
          description = "The folder: one of the fleet, or one on every proxy, as a string.";
        };
        index = daemonDefault {
          type = types.listOf types.str;
          example = [ "index.html" ];
          description = "The files that stand for a folder; the first one there counts.";
        };
        strip_prefix = daemonDefault {
          type = types.bool;
          description = "Whether the path of the service is left out of the path in the folder, as nginx's `alias` does.";
        };
        precompressed = daemonDefault {
          type = types.bool;
          description = "Whether files with `.br`, `.zst` or `.gz` behind their names are those files compressed.";
        };
        fallback = daemonDefault {
          type = types.str;
          example = "index.html";
          description = "The file in the folder that answers for paths where there is none, for applications that know their paths themselves.";
        };
      }
      {
        example.folder = lib.literalExpression "./www";
        description = "Instead of `backends`: the files of a folder ([documents.md](documents.md#servicesnamefiles)).";
      };
  error_pages =
    part
      (
        pages
        // {
          maintenance = daemonDefault {
            type = types.path;
            example = lib.literalExpression "./pages/maintenance.html";
            description = "The page while all backends are in maint by an operator. Without it, that of 503.";
          };
          maintenance_retry_after = daemonDefault {
            type = duration;
            example = "15m";
            description = "After which visitors are told to come back from maintenance.";
          };
        }
      )
      {
        example."503" = lib.literalExpression "./pages/503.html";
        description = "The service's own pages, in HTML, in place of the proxy's errors ([documents.md](documents.md#servicesnameerror_pages)).";
      };
}
