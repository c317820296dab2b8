// What the routes of the assistant share: the stores, the machine, and who writes answers down.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "assistant/store.h"
#include "server/assistant/recorder.h"
#include "server/common/json_reader.h"
#include "service/service.h"

namespace sputnik::server::app {

// Any thread may call any function. Once it is destroyed nothing more is written; answers that were
// running are taken up by the next one.
class App {
 public:
  // store: null keeps everything in memory. log: rare events for people; any thread.
  // service must outlive it.
  static Result<std::unique_ptr<App>> create(service::Service& service,
                                             std::unique_ptr<assistant::Store> store,
                                             std::function<void(const std::string&)> log);

  service::Service& service() { return service_; }
  Recorder& recorder() { return *recorder_; }
  // What outlives a conversation: personas, settings, notes, folders.
  assistant::Store& store() { return *store_; }
  assistant::Store& temporary() { return *temporary_; }
  bool is_persistent() const { return is_persistent_; }

  // An id as clients know it: a number, after a "t" if it belongs to a temporary conversation.
  struct Place {
    assistant::Store* store;
    std::int64_t id;
    bool is_temporary;
  };
  // kNotFound: it cannot be one.
  Result<Place> place(std::string_view id, std::string_view what);

 private:
  App(service::Service& service, bool is_persistent)
      : service_(service), is_persistent_(is_persistent) {}

  service::Service& service_;
  const bool is_persistent_;
  std::unique_ptr<assistant::Store> store_, temporary_;
  std::unique_ptr<Recorder> recorder_;  // writes into both
};

std::string public_id(std::int64_t id, bool is_temporary);

}  // namespace sputnik::server::app
