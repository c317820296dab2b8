#include "train/chat_template.h"

namespace sputnik {

std::string_view chat_template() {
  return "{%- set found = namespace(system='') -%}"
         "{%- for message in messages -%}"
         "{%- if message['role'] == 'system' -%}"
         "{%- set found.system = message['content'] -%}"
         "{%- endif -%}"
         "{%- endfor -%}"
         "{{- bos_token + found.system -}}"
         "{%- for message in messages -%}"
         "{%- if message['role'] == 'user' -%}"
         "{{- '<｜User｜>' + message['content'] -}}"
         "{%- elif message['role'] == 'assistant' and message['content'] is not none -%}"
         "{{- '<｜Assistant｜>' + message['content'].split('</think>')[-1] -}}"
         "{{- '<｜end▁of▁sentence｜>' -}}"
         "{%- endif -%}"
         "{%- endfor -%}"
         "{%- if add_generation_prompt -%}"
         "{{- '<｜Assistant｜><think>\\n' -}}"
         "{%- endif -%}";
}

}  // namespace sputnik
