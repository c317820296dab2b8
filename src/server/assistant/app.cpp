#include "server/assistant/app.h"

#include <charconv>

#include "formats/printable.h"

namespace sputnik::server::app {

Result<std::unique_ptr<App>> App::create(service::Service& service,
                                         std::unique_ptr<assistant::Store> store,
                                         std::function<void(const std::string&)> log) {
  std::unique_ptr<App> app(new App(service, store != nullptr));
  app->store_ = std::move(store);
  if (app->store_ == nullptr) {
    SPUTNIK_TRY(app->store_, assistant::Store::open_in_memory());
  }
  SPUTNIK_TRY(app->temporary_, assistant::Store::open_in_memory());
  app->recorder_ = std::make_unique<Recorder>(service, std::move(log));
  SPUTNIK_CHECK_OK(app->recorder_->resume(*app->store_));
  return app;
}

Result<App::Place> App::place(std::string_view id, std::string_view what) {
  Place place{store_.get(), 0, id.starts_with('t')};
  const std::string_view digits = id.substr(place.is_temporary ? 1 : 0);
  if (place.is_temporary) place.store = temporary_.get();
  const auto [end, failure] =
      std::from_chars(digits.data(), digits.data() + digits.size(), place.id);
  if (failure != std::errc() || end != digits.data() + digits.size() || place.id <= 0)
    return not_found("there is no {} \"{}\"", what, printable(id, 40));
  return place;
}

std::string public_id(std::int64_t id, bool is_temporary) {
  return fmt::format("{}{}", is_temporary ? "t" : "", id);
}

}  // namespace sputnik::server::app
