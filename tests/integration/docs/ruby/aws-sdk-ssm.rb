require_relative "switchboard_stand_in"

module Aws
  module SSM
    class Client
      Parameter = Struct.new(:value)
      Answer = Struct.new(:parameter)

      def get_parameter(name:)
        headers = { "X-Amz-Target" => "AmazonSSM.GetParameter", "Content-Type" => "application/x-amz-json-1.1" }
        answer = SwitchboardStandIn.post("ssm", "/", JSON.generate(Name: name), headers)
        Answer.new(Parameter.new(JSON.parse(answer.body)["Parameter"]["Value"]))
      end
    end
  end
end
