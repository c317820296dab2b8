// Replies that a generation writes: in one piece when it has ended, or bit by bit.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/common/answer.h"
#include "server/common/api_error.h"
#include "server/common/generation_reader.h"
#include "server/http.h"

namespace sputnik::server {

// Turns events into the bytes of one protocol. Used by one thread at a time.
class EventWriter {
 public:
  virtual ~EventWriter() = default;

  // Any event but kFailed. With kDone, all that the protocol ends a stream with.
  virtual void write(const ReadEvent& read, const service::Generation& generation,
                     std::string& body) = 0;
  // The last words of a stream that breaks off.
  virtual void fail(const Error& error, std::string& body) = 0;
};

// text/event-stream, application/x-ndjson, ...; what keeps the connection alive.
struct StreamFormat {
  std::string content_type;
  std::string keep_alive;
  Protocol protocol = Protocol::kOpenAi;
};

// A failure before the first byte becomes a status and an envelope; afterwards the writer says it,
// and the stream is broken.
std::unique_ptr<ReplySource> make_stream_source(std::shared_ptr<service::Generation> generation,
                                                std::unique_ptr<EventWriter> writer,
                                                StreamFormat format, std::size_t from = 0);

using RenderAnswer = std::function<std::string(const Answer&, const service::Generation&)>;

// Waits for the end, with blank lines to keep the connection alive.
std::unique_ptr<ReplySource> make_answer_source(std::shared_ptr<service::Generation> generation,
                                                RenderAnswer render, Protocol protocol);

// The reply around a source: its head, with the generation's id in x-sputnik-generation.
Reply stream_reply(const service::Generation& generation, std::unique_ptr<ReplySource> source,
                   std::string_view content_type);

// "event: ...\nid: ...\ndata: ...\n\n"; an empty event and a negative id are left out.
void append_sse(std::string& body, std::string_view data, std::string_view event = {},
                std::int64_t id = -1);

inline constexpr std::string_view kSse = "text/event-stream";
inline constexpr std::string_view kSseKeepAlive = ": keep-alive\n\n";

}  // namespace sputnik::server
