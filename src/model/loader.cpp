#include "model/loader.h"

#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "formats/gguf.h"
#include "formats/gguf_names.h"
#include "formats/json.h"
#include "formats/printable.h"
#include "formats/safetensors.h"
#include "model/checkpoint.h"
#include "model/config.h"
#include "model/deepseek_v3.h"
#include "model/gguf_config.h"
#include "model/llama.h"
#include "model/model_name.h"
#include "model/weight_store.h"

namespace sputnik {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxConfigBytes = 16 << 20;
constexpr const char* kIndexName = "model.safetensors.index.json";

Result<Checkpoint> open_gguf(const std::filesystem::path& path) {
  SPUTNIK_TRY(GgufFile opened, GgufFile::open(path));
  const auto file = std::make_shared<GgufFile>(std::move(opened));
  Checkpoint checkpoint;
  SPUTNIK_TRY(checkpoint.config, gguf_config(*file));
  checkpoint.config_place = "metadata";
  const std::string file_name = path.stem().string();
  SPUTNIK_TRY(const auto name, file->metadata().get_string_or("general.name", file_name));
  checkpoint.name = std::string(name);
  checkpoint.store = std::make_shared<WeightStore>(file);
  for (const GgufTensorInfo& info : file->tensors()) {
    // Tensors without a published name keep their own.
    const std::string published = hf_name_from_gguf(info.name).value_or(std::string(info.name));
    auto tensor = file->tensor(info.name);
    if (tensor.ok()) {
      checkpoint.store->add(published, std::move(tensor).value());
    } else {
      checkpoint.store->add_unreadable(published, std::move(tensor).error());
    }
  }
  return checkpoint;
}

Result<Checkpoint> open_directory(const std::filesystem::path& path) {
  std::error_code ignored;
  const bool is_directory = std::filesystem::is_directory(path, ignored);
  const std::filesystem::path directory = is_directory ? path : path.parent_path();
  const std::filesystem::path config_path = directory / "config.json";
  if (!std::filesystem::exists(config_path, ignored)) {
    return not_found(
        "{}: there is no config.json {}; a model is a GGUF file, or a folder with "
        "config.json and its weights as safetensors",
        path.string(), is_directory ? "in this folder" : "beside this file");
  }
  Checkpoint checkpoint;
  SPUTNIK_TRY(const std::string text, read_file(config_path, kMaxConfigBytes));
  auto config = parse_json(text);
  if (!config.ok()) return std::move(config).error().in(config_path.string());
  checkpoint.config = std::move(config).value();
  checkpoint.config_place = config_path.string();
  // The index, or one of the shards that it names: the whole model is meant.
  const bool is_part = !is_directory && path.filename() != "model.safetensors" &&
                       std::filesystem::exists(directory / kIndexName, ignored);
  SPUTNIK_TRY(SafetensorsModel opened, SafetensorsModel::open(is_part ? directory : path));
  const auto model = std::make_shared<SafetensorsModel>(std::move(opened));
  checkpoint.name = model_name_of_folder(directory);
  checkpoint.store = std::make_shared<WeightStore>(model);
  for (const SafetensorsTensorInfo* info : model->tensors()) {
    const std::string& name = info->name;
    auto tensor = model->tensor(name);
    if (tensor.ok()) {
      checkpoint.store->add(name, std::move(tensor).value());
    } else {
      checkpoint.store->add_unreadable(name, std::move(tensor).error());
    }
  }
  return checkpoint;
}

// Values are JSON where they parse as such ("8", "true"), otherwise strings.
void apply_overrides(const std::map<std::string, std::string>& overrides, json& config) {
  for (const auto& [key, text] : overrides) {
    json value = json::parse(text, nullptr, false);
    config[key] = value.is_discarded() ? json(text) : std::move(value);
  }
}

// Config and Class: the two halves of a model family.
template <class Config, class Class>
Result<std::unique_ptr<Model>> build_as(const json& json_config, const std::string& place,
                                        WeightStore& store) {
  auto config = Config::from_json(json_config);
  if (!config.ok()) return std::move(config).error().in(place);
  return Class::create(config.value(), store);
}

Result<LoadedModel> finish(Checkpoint checkpoint, const LoadOptions& options) {
  if (!checkpoint.config.is_object())
    return corrupt("{}: {}, not an object", checkpoint.config_place, checkpoint.config.type_name());
  apply_overrides(options.config_overrides, checkpoint.config);
  LoadedModel loaded;
  SPUTNIK_TRY(loaded.model,
              create_model(checkpoint.config, *checkpoint.store, checkpoint.config_place));
  loaded.info.architecture = checkpoint.config["model_type"].get<std::string>();
  loaded.info.is_distill = is_distill(loaded.info.architecture, checkpoint.name);
  loaded.info.name = loaded.info.is_distill
                         ? distill_name(loaded.info.architecture, checkpoint.name)
                         : std::move(checkpoint.name);
  for (const Weight* w : loaded.model->weights()) {
    loaded.info.n_parameters += w->rows * w->cols;
    loaded.info.file_bytes += w->bytes();
  }
  loaded.info.n_active_parameters = loaded.model->n_active_parameters();
  loaded.info.bytes_by_type = checkpoint.store->bytes_by_type();
  loaded.storage = checkpoint.store;
  return loaded;
}

}  // namespace

Result<Checkpoint> open_checkpoint(const std::filesystem::path& path) {
  std::error_code error;
  const bool is_directory = std::filesystem::is_directory(path, error);
  const bool is_safetensors = path.extension() == ".safetensors" || path.filename() == kIndexName;
  return is_directory || is_safetensors ? open_directory(path) : open_gguf(path);
}

Result<std::unique_ptr<Model>> create_model(const json& config, WeightStore& store,
                                            const std::string& place) {
  const auto it = config.find("model_type");
  if (it == config.end() || !it->is_string()) return corrupt("{}: model_type is missing", place);
  const auto model_type = it->get<std::string>();
  if (model_type == "deepseek_v3" || model_type == "deepseek_v2")
    return build_as<DeepseekV3Config, DeepseekV3>(config, place, store);
  if (model_type == "llama" || model_type == "qwen2")
    return build_as<LlamaConfig, Llama>(config, place, store);
  return unsupported(
             "model_type \"{}\" is not supported; supported are deepseek_v3, deepseek_v2, "
             "qwen2 and llama",
             printable(model_type))
      .in(place);
}

Result<LoadedModel> load_model(const std::filesystem::path& path, const LoadOptions& options) {
  const auto load = [&]() -> Result<LoadedModel> {
    SPUTNIK_TRY(Checkpoint checkpoint, open_checkpoint(path));
    return finish(std::move(checkpoint), options);
  };
  auto loaded = load();
  if (loaded.ok() || loaded.error().message.find(path.string()) != std::string::npos) return loaded;
  return std::move(loaded).error().in(path.string());
}

}  // namespace sputnik
