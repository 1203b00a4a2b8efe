# frozen_string_literal: true

require 'versioner'

load File.expand_path('capistrano/tasks.rake', __dir__)
