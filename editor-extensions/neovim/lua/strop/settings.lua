-- What setup{} was given. A name or a value that is not known is an error that says what is allowed.
local M = {}

local defaults = {
  agent = nil, -- where strop-agent is; else bin/ beside this plugin, then PATH
  config = nil, -- --config of every agent that this plugin starts
  provider = true, -- start an agent of its own where no other in the buffer completes
  inline = true, -- show inline completions
  debounce = 100, -- ms without a key press before a completion is asked for
  keys = {}, -- accept, accept_word, dismiss, next, prev: keys of insert mode; none is mapped by itself
}
local kinds = {
  agent = 'string',
  config = 'string',
  provider = 'boolean',
  inline = 'boolean',
  debounce = 'number',
  keys = 'table',
}
local actions = { accept = true, accept_word = true, dismiss = true, next = true, prev = true }

local function names(set)
  local all = vim.tbl_keys(set)
  table.sort(all)
  return table.concat(all, ', ')
end

local function refuse(what)
  error("require('strop').setup: " .. what, 0)
end

M.now = vim.deepcopy(defaults)

function M.take(given)
  given = given or {}
  for name, value in pairs(given) do
    local kind = kinds[name]
    if not kind then
      refuse(("there is no '%s'; there are: %s"):format(tostring(name), names(kinds)))
    elseif type(value) ~= kind then
      refuse(("'%s' has to be a %s, not a %s"):format(name, kind, type(value)))
    end
  end
  for action, key in pairs(given.keys or {}) do
    if not actions[action] then
      refuse(("keys has no '%s'; it has: %s"):format(tostring(action), names(actions)))
    elseif type(key) ~= 'string' then
      refuse(("keys.%s has to be a key such as '<Tab>'"):format(action))
    end
  end
  M.now = vim.tbl_extend('force', vim.deepcopy(defaults), given)
end

return M
