# frozen_string_literal: true

require 'English'
require 'versioner'
require 'versioner/capistrano/run'

load File.expand_path('capistrano/tasks.rake', __dir__)
