// Requests and replies as handlers see them: nothing here knows of sockets.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sputnik::server {

// Who asks, once the keys have been looked at.
struct Principal {
  std::string id;          // of the key; "local" where none is needed
  std::string name;        // as the owner called it
  bool may_infer = true;   // scope "infer"
  bool may_manage = true;  // scope "manage": models, keys, training
};

struct HttpRequest {
  std::string method;  // "GET"
  std::string path;    // percent-decoded, without the query: "/v1/models"
  std::vector<std::pair<std::string, std::string>> query;            // decoded
  std::vector<std::pair<std::string, std::string>> headers;          // names in lower case
  std::vector<std::pair<std::string, std::string>> path_parameters;  // {id} of a route: its value
  std::string body;
  std::string trace_id;  // also in the reply's x-request-id
  Principal principal;

  // "" if there is none.
  std::string_view header(std::string_view name) const;
  std::optional<std::string_view> parameter(std::string_view name) const;
};

struct ResponseHead {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
};

// A reply that comes bit by bit. Used by one thread at a time; destroyed when it has ended or the
// client has left.
class ReplySource {
 public:
  virtual ~ReplySource() = default;

  enum class State {
    kMore,     // call again
    kWaiting,  // nothing now: wake will be called
    kDone,
    kBroken,  // ends the connection without the end that the protocol has, so that clients see it
  };
  // Appends to body what there is. head may be changed until something has been appended.
  virtual State poll(ResponseHead& head, std::string& body) = 0;

  // Called once, before the first poll. wake may be called by any thread, until the source has been
  // destroyed.
  virtual void set_wake(std::function<void()> wake) = 0;

  // What keeps a connection open while nothing is there to say: blank lines, or an SSE comment.
  // Sent every ten seconds or so; empty: nothing can be sent.
  virtual std::string_view keep_alive() const = 0;
};

struct Reply {
  ResponseHead head;
  std::string body;
  std::unique_ptr<ReplySource> source;  // instead of body, if there is one
};

// Called by threads of their own, several at a time. What has to wait for long is a ReplySource.
using Handler = std::function<Reply(const HttpRequest&)>;

}  // namespace sputnik::server
