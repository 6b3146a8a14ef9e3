require_relative "switchboard_stand_in"

module Aws
  module Lambda
    class Client
      Answer = Struct.new(:payload, :function_error)

      def invoke(function_name:, payload:)
        path = "/2015-03-31/functions/#{URI.encode_www_form_component(function_name)}/invocations"
        answer = SwitchboardStandIn.post("lambda", path, payload)
        Answer.new(StringIO.new(answer.body), answer["X-Amz-Function-Error"])
      end
    end
  end
end
